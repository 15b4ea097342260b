"""What the user hands over beside data: networks, losses, spaces."""
