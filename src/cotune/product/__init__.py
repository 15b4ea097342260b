"""What a study is for: a fitted model that takes raw rows and gives answers."""

from cotune.product.model import Model as Model
