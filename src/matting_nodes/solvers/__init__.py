"""Linear systems of matting and what solves them; no pictures, no methods."""
