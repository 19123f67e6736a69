"""Which keys of configuration files take dotted names, paths, commands or prose.

Seen in manuals and in public configuration files, November 2026: import-linter (source_modules,
forbidden_modules, modules, layers, ignore_imports, root_package), pyright (include, exclude, ignore,
executionEnvironments, extraPaths, stubPath, typeshedPath), ruff (exclude, extend-exclude, per-file-ignores,
per-file-target-version), coverage (source, omit), pdm (cmd, shell, composite), alembic (script_location,
version_locations, prepend_sys_path), tox (commands, setenv, install_command, extra_setup_commands),
setuptools (packages, py_modules, license_files, console_scripts) and pylint (load-plugins, ignored-
modules).

All other keys, and those of poetry, hatch, nox, pytest, mypy, flake8, isort, tach, pre-commit, compose, CI
services, Django and mkdocs, are listed from knowledge of these tools and were not looked up. A wrong one
costs certainty, never a reference: whole dotted values are found below every key. Keys are compared in
lower case with `_` for `-`. Keys that also mean other things (`class`, `app`, `target`) are not listed.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from analyzers.text_references.regions import Role


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAME_KEYS = _keys("""
    module modules packages py_modules plugins plugin load_plugins root_package root_packages
    source_modules forbidden_modules containers layers ignore_imports allowed_importers
    protected_modules ancestors descendants source_pkgs source_packages qualname django_settings_module
    flask_app settings_module wsgi_application asgi_application root_urlconf installed_apps
    pytest_plugins known_first_party known_third_party known_local_folder entry_points console_scripts
    gui_scripts operationid x_openapi_router_controller worker_class logger_class banned_api
    extension_modules namespace_packages exhaustive_ignores autodoc_mock_imports
    ignored_modules deprecated_modules preferred_modules
""")
PATH_KEYS = _keys("""
    omit include exclude extend_exclude extend_include force_exclude per_file_ignores
    extend_per_file_ignores files testpaths paths path src source mypy_path norecursedirs skip skip_glob
    extend_skip package_data data_files package_dir ignore_paths ignore_patterns
    ignore_files watch collect_ignore exclude_dirs targets only_include force_include sources where
    build_targets changes paths_ignore exclude_paths include_paths license_files readme
    version_file write_to fragment_path script_location version_locations prepend_sys_path filename file
    files_ignore watch_files ignore extrapaths executionenvironments root_dir roots per_file_target_version
    typeshedpath stubpath program dockerfile script_path
""")
COMMAND_KEYS = _keys("""
    run cmd command commands commands_pre commands_post script scripts before_script after_script
    entrypoint entry args addopts install_command test_command build_command exec execstart execstartpre
    tasks shell composite start test lint setenv set_env extra_setup_commands environment env env_vars
    prestart poststart healthcheck
    preforkcommand cmds before_install after_success release web worker postcreatecommand postinstall sh
    command_line task deps_command entrypoints startcommand buildcommand
""")
PROSE_KEYS = _keys("""
    description long_description summary title help comment comments note notes reason message msg body
    text documentation docstring label name keywords authors maintainers classifiers copyright license
    header changelog display_name
""")
_NAME_TABLES = (
    ("project", "scripts"),
    ("project", "gui_scripts"),
    ("poetry", "scripts"),
    ("poetry", "plugins"),
)


def normal_key(key: str) -> str:
    """`key` as it stands in the sets: lower case, `_` for `-`."""
    return key.strip().lower().replace("-", "_")


@lru_cache(maxsize=4096)
def role_of_keys(keys: tuple[str, ...]) -> Role:
    """The role of a value below `keys` (outermost first): the innermost known key decides.

    Only the innermost key can make a value prose.
    """
    normal = [normal_key(k) for k in keys]
    for pair in pairwise(normal):
        if pair in _NAME_TABLES:
            return Role.NAME
    for depth, key in enumerate(reversed(normal)):
        if depth == 0 and key in PROSE_KEYS:
            return Role.PROSE
        if key in NAME_KEYS:
            return Role.NAME
        if key in COMMAND_KEYS:
            return Role.COMMAND
        if key in PATH_KEYS:
            return Role.PATH
    return Role.VALUE
