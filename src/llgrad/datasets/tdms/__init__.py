"""The door to TDMS files of LabVIEW."""
