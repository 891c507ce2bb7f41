"""The Matting graph dock."""
