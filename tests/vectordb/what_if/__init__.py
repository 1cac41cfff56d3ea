"""What-if: a history told again."""
