"""Who may do what in which workspace: pure rules about the admins and members of an Account (accounts §4)."""
