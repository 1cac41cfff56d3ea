"""The release: packages, reports, servers and wheels read it here."""

RELEASE = "0.1.0"
