"""`tieout validate`: everything that is wrong at once, each with its file and line, and nothing where all is well."""
