"""The LEMS model: what every reader ends in and every writer and backend starts from."""
