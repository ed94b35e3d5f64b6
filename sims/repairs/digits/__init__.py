"""Zero-shot repairs of CLIPs trained on captioned digits on coloured backgrounds, where the truth is known."""
