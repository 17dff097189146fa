"""What this machine is: cores, memory, places for caches, addresses of files, processes left behind."""
