"""The site's own parts: hooks of MkDocs, each of which makes pages from what the checkout holds."""
