"""What the application stands on while it runs: database server, sessions, mail delivery, live signals."""
