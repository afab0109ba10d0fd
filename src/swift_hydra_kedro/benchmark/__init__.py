"""The benchmark: a grid of cells, each one method on one split of one data set, measured by a Dask cluster."""
