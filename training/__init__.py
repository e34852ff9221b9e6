"""How skko-mini, the model inside the wheel, is made."""
