"""Tables, for terminal, Markdown, CSV, LaTeX and HTML."""
