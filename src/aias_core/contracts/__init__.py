"""Wire models, versioned: what crosses between processes."""
