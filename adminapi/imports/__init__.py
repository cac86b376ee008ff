"""`parley import ...`: what another service has exported becomes an app's own.

Files are read into a stage on the disk (`staging`), each vendor's rows by a module of its own (`leancloud`), and sent to the
broker in bounded commands (`sending`), which may be said twice.
"""
