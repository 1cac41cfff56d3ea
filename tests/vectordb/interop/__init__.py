"""Exchange with other libraries: our capsules judged by a plain decoder, then by the libraries themselves."""
