"""Real faults: SIGKILL, Ctrl-C, full and read-only disks, two processes at one study."""
