"""The bench: Parley and its peers, measured in one run on one machine. `python -m bench [CASE...] [--quick]`.

The law of every case (performance.md 7.1): servers on one core and the generator on another; the server's CPU, all threads
and its write-behind included, per message received and counted; rounds of all contenders interleaved; a round in which
a message was lost, doubled or invented is void; the durability of a row stands in its name.

In reading order: `machine` (cores, clocks, memory), `servers` (starting what is measured), `wires` (what the generator
says to each), `sessions` (the generator logging in), `users` (who says one thing at a time, on our own client library),
`cases` (one scenario a file, with its own generator loop), `tally` (what makes a round void), `rounds` (one measured round,
and their order), `figures` and `report` (what is printed).
"""
