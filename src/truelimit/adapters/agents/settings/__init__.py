"""What settings files of agents say of their patience: only timers and attempts are read, never a key or a header."""
