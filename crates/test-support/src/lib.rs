//! For tests: a database of its own for each test, the program on a free port, a clock that tests move.
