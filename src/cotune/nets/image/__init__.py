"""Networks of images, and the parts that they are made of."""
