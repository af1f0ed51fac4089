"""All input and output over HTTP; nothing outside imports an HTTP library."""
