"""Rules about the code itself, apart from its behaviour. Each rule worth saying is a test here."""
