"""TDMS files of LabVIEW, by npTDMS."""
