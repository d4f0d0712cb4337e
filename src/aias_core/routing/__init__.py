"""Which models there are, which backend answers, and what each request leaves behind."""
