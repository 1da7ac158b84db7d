"""The suite's own exam: bugs are put into a copy of the program, one at a time; the tests must see them."""
