"""What a fit answers: values, how sure they are, what the data cannot tell, and whether the model explains them."""
