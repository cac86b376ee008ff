"""One vendor REST API a file or folder, in the order of that vendor's document (DESIGN 6)."""
