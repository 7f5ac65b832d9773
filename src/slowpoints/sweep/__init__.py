"""Many runs: jobs, in processes or on Slurm, searches, networks side by side."""
