"""From one machine to many: the cells of a plan as tasks on Dask workers."""
