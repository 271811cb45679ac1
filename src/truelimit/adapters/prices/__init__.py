"""The package genai-prices: prices and windows of providers' models, as it is installed; nothing is fetched."""
