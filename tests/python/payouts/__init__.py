"""The stream ecommerce_payouts on a world whose answer is known."""
