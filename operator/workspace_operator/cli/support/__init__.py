"""What commands share: options, files, output, progress and the open database."""
