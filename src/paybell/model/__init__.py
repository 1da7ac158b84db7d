"""What things are: frozen records and tables of states. Pure; the nouns every step shares."""
