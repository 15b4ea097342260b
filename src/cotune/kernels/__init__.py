"""Compiled loops for the CPU: one lane's arithmetic on plain arrays, knowing nothing of studies or networks.

Read in this order: `program` (what a lane computes, as a table), `machine` (runs the table), and the loops it calls.
"""
