"""The validated issue, and how the files of its folder become one."""
