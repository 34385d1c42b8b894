"""Every word of the page, in English and Korean."""
