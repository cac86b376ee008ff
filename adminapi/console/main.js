// The console's beginning.
