"""The audit log: who changed what, from where and when, in lines that are chained by their hashes. `log`: the files, and how
they are verified; `witness`: what adminapi and the command line write there."""
