"""The identity provider of the company, by OpenID Connect. Only this package knows joserfc and aiohttp's client."""
