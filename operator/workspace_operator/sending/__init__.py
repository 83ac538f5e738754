"""Pure rules about messages: who may be sent what, when and how (docs/spec/sending.md)."""
