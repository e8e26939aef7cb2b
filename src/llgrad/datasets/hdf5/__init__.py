"""HDF5 files, among them NetCDF 4 and MATLAB 7.3, read by h5py in a process of its own."""
