import tempfile
from pathlib import Path

BASE = Path(tempfile.mkdtemp())


def get_input_directory():
    return str(BASE / "input")


def get_output_directory():
    return str(BASE / "output")


def get_temp_directory():
    return str(BASE / "temp")


models_dir = tempfile.mkdtemp()
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}


def add_model_folder_path(folder_name, full_folder_path, is_default=False):
    folders, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in folders:
        folders.append(full_folder_path)


def get_folder_paths(folder_name):
    return folder_names_and_paths[folder_name][0][:]
