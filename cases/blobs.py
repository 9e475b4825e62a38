"""Placeholder being written."""
from django.core.files.storage import FileSystemStorage
class DurableFileStorage(FileSystemStorage):
    """Being written."""
