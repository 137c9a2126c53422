"""What every part of the kit may lean on: errors, files, progress, traces, the machine."""
