"""Commands about messages: templates, deliveries, and the installation's root key and senders."""
