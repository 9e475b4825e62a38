"""The one settings file. Every value comes from the environment through e2c_project.env; docs/settings.md lists them
all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from e2c_project import env, providers
from e2c_project.log_filter import QUIET_LIBRARIES, SILENT_LIBRARIES
from e2c_project.unfold import UNFOLD  # noqa: F401 - a setting by its name
from routing.email_url import BadEmailUrl, parse_email_url

BASE_DIR = Path(__file__).resolve().parent.parent

# Modes and folders ---------------------------------------------------------------------------------------------------
E2C_MODE = env.choice("E2C_MODE", "local", ["demo", "local", "production"])
IS_DEMO = E2C_MODE == "demo"
IS_PRODUCTION = E2C_MODE == "production"
DEBUG = env.flag("E2C_DEBUG", default=False)
E2C_DATA_DIR = env.folder("E2C_DATA_DIR", BASE_DIR / "var")

_secret_makers = {"SECRET_KEY": "", "E2C_FIELD_KEYS": ""} if not IS_PRODUCTION else {}
if IS_DEMO:
    _secret_makers |= {"E2C_WEBHOOK_SECRET": "demo:demo-"} | providers.demo_makers()
_made = env.generated_secrets(E2C_DATA_DIR / f"secrets-{E2C_MODE}.json", _secret_makers) if _secret_makers else {}

SECRET_KEY = env.text("SECRET_KEY") or _made.get("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.words("E2C_SECRET_KEY_FALLBACKS")
# Signs thread tokens, reply addresses and Message-IDs; the first one signs, all of them prove. Empty: SECRET_KEY does
# it.
E2C_THREAD_KEYS = env.words("E2C_THREAD_KEYS")
# Encrypt the secrets of connections in the database; the first one encrypts, all of them decrypt.
E2C_FIELD_KEYS = env.fernet_keys("E2C_FIELD_KEYS", generated=_made.get("E2C_FIELD_KEYS", ""))
ALLOWED_HOSTS = env.words("E2C_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("E2C_CSRF_TRUSTED_ORIGINS")
PORT = env.whole_number("PORT", 8000, minimum=1, maximum=65535)

# Addresses and links -------------------------------------------------------------------------------------------------
E2C_PUBLIC_URL = env.text("E2C_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
E2C_INBOUND_DOMAIN = env.text("E2C_INBOUND_DOMAIN", "inbound.demo.example" if IS_DEMO else "inbound.localhost").lower()
E2C_SYSTEM_FROM = env.text(
    "E2C_SYSTEM_FROM", "Email-to-Case <no-reply@demo.example>" if IS_DEMO else "no-reply@localhost"
)
E2C_TRIAL = env.flag("E2C_TRIAL", default=False)
E2C_DEMO_DATA = env.flag("E2C_DEMO_DATA", default=True)

# Inbound -------------------------------------------------------------------------------------------------------------
E2C_MAX_BODY_MB = env.whole_number("E2C_MAX_BODY_MB", 40, minimum=1, maximum=1024)
E2C_MAX_BODY = E2C_MAX_BODY_MB * 1024 * 1024  # bytes
E2C_WEBHOOK_SECRET = env.text("E2C_WEBHOOK_SECRET") or _made.get("E2C_WEBHOOK_SECRET", "")
if E2C_WEBHOOK_SECRET and ":" not in E2C_WEBHOOK_SECRET:
    raise ImproperlyConfigured("E2C_WEBHOOK_SECRET must have the form user:password.")
E2C_PROVIDER_CREDENTIALS = providers.read_credentials(_made)
E2C_PROVIDERS = providers.chosen_providers(
    env.words("E2C_PROVIDERS") if env.text("E2C_PROVIDERS") else None, E2C_PROVIDER_CREDENTIALS
)
# (provider, variable) pairs that start-up and check_setup name.
E2C_MISSING_CREDENTIALS = providers.missing_credentials(E2C_PROVIDERS, E2C_PROVIDER_CREDENTIALS)
E2C_SNS_TOPICS = [t.strip() for t in E2C_PROVIDER_CREDENTIALS["E2C_SNS_TOPICS"].split(",") if t.strip()]
# Content that a provider hands out by API: how long one request may take, in seconds, and where it goes when not the
# provider.
E2C_FETCH_TIMEOUT = env.whole_number("E2C_FETCH_TIMEOUT", 30, minimum=1)
E2C_INBOUND_API_URL = env.text("E2C_INBOUND_API_URL")
E2C_SETTLE_ATTEMPTS = env.whole_number("E2C_SETTLE_ATTEMPTS", 5, minimum=1)
E2C_LEASE_SECONDS = env.whole_number("E2C_LEASE_SECONDS", 60, minimum=5)
E2C_SWEEP_AFTER_SECONDS = env.whole_number("E2C_SWEEP_AFTER_SECONDS", 15, minimum=0)
# authserv-ids of our own mail servers, whose topmost Authentication-Results header is believed (RFC 8601).
E2C_TRUSTED_AUTHSERV_IDS = frozenset(env.words("E2C_TRUSTED_AUTHSERV_IDS"))
# Whether TXT records are looked up to check DKIM signatures and DMARC of mail that no server vouches for.
E2C_DNS = env.flag("E2C_DNS", default=IS_PRODUCTION)
# Site code that hears of mail (cases.hooks), by dotted path, and how long one call may take, in seconds.
E2C_HOOKS = env.words("E2C_HOOKS")
E2C_HOOK_SECONDS = env.whole_number("E2C_HOOK_SECONDS", 30, minimum=1, maximum=3600)
E2C_SMTP_LISTEN = env.text("E2C_SMTP_LISTEN", "127.0.0.1:2525")
# Networks (CIDR) whose mail servers may hand us mail by SMTP or LMTP beside this machine: that path has no password.
E2C_SMTP_ALLOW = env.words("E2C_SMTP_ALLOW")
# What a serving process calls before it accepts mail; cases may not import it (the import direction).
E2C_START_GUARD = "e2c_project.startup.refuse_unsafe_start"

# How long records of finished work are kept, in days (cases.forgetting).
E2C_WORK_RECORD_DAYS = env.whole_number("E2C_WORK_RECORD_DAYS", 90, minimum=1, maximum=3650)
# How long notifications are kept, in days.
E2C_NOTIFICATION_DAYS = env.whole_number("E2C_NOTIFICATION_DAYS", 90, minimum=1, maximum=3650)
# Lets a monitor read /metrics (bearer); without one staff alone may.
E2C_METRICS_TOKEN = env.text("E2C_METRICS_TOKEN")

# Outbound ------------------------------------------------------------------------------------------------------------
E2C_UNDO_SECONDS = env.whole_number("E2C_UNDO_SECONDS", 10)
E2C_EMAIL_URL = env.text("E2C_EMAIL_URL", "file:")
E2C_ESP_API_URL = env.text("E2C_ESP_API_URL")
# Instead of Google and Microsoft: where the login of connections goes (a loopback server in tests, a proxy).
E2C_OAUTH_URL = env.text("E2C_OAUTH_URL").rstrip("/")
try:
    parse_email_url(E2C_EMAIL_URL, api_url=E2C_ESP_API_URL)
except BadEmailUrl as error:
    raise ImproperlyConfigured(str(error)) from error
DEFAULT_FROM_EMAIL = E2C_SYSTEM_FROM
SERVER_EMAIL = E2C_SYSTEM_FROM

# ---------------------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "guardian",
    "axes",
    "anymail",
    "django_htmx",
    "routing",
    "cases",
]

MIDDLEWARE = [
    "cases.middleware.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cases.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "e2c_project.middleware.ProbeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "e2c_project.urls"
WSGI_APPLICATION = "e2c_project.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database ------------------------------------------------------------------------------------------------------------
_database = env.database("DATABASE_URL", f"sqlite:///{E2C_DATA_DIR / 'db.sqlite3'}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers go on beside the one writer; IMMEDIATE takes the write lock at the start of a transaction, so
    # that two writers wait for each other instead of failing half way; synchronous=FULL because a 2xx promises the
    # bytes are on disk.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
    _database["TEST"] = {"NAME": env.text("E2C_TEST_SQLITE") or None}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ATOMIC_REQUESTS = False

# Celery --------------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or "filesystem://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_PUBLISH_RETRY = (
    False  # the row is the queue; a wake-up that is lost costs seconds, the sweeper settles the mail
)
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any]
if CELERY_BROKER_URL.startswith("filesystem:"):
    _broker = E2C_DATA_DIR / "broker"
    for _folder in ("messages", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "control_folder": str(_broker / "control"),
        "polling_interval": 0.1,  # seconds
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 1, "visibility_timeout": 3600}

# Storage -------------------------------------------------------------------------------------------------------------
E2C_STORAGE_URL = env.text("E2C_STORAGE_URL")
if E2C_STORAGE_URL and not E2C_STORAGE_URL.startswith("s3://"):
    raise ImproperlyConfigured("E2C_STORAGE_URL must start with s3:// (bucket and folder), or be unset for files.")
if E2C_STORAGE_URL:
    _bucket, _unused, _prefix = E2C_STORAGE_URL.removeprefix("s3://").partition("/")
    _mail_storage: dict[str, Any] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": _bucket,
            "location": _prefix,
            "endpoint_url": env.text("E2C_S3_ENDPOINT_URL") or None,
            "file_overwrite": True,
            "default_acl": None,
            "querystring_auth": True,
        },
    }
else:
    _mail_storage = {"BACKEND": "cases.blobs.DurableFileStorage", "OPTIONS": {"location": str(E2C_DATA_DIR / "blobs")}}
STORAGES = {
    "default": _mail_storage,
    "staticfiles": {
        "BACKEND": "e2c_project.static_files.HashedStaticFiles"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = env.text("E2C_STATIC_ROOT") or str(BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
WHITENOISE_AUTOREFRESH = False

# Limits of Django itself: webhook bodies have their own (E2C_MAX_BODY), forms of people stay small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # bytes

# Users and permissions -----------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: nobody who is not logged in can hold a grant
GUARDIAN_RAISE_403 = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "429.html"
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = "/cases/"
LOGOUT_REDIRECT_URL = "/login/"

# Security ------------------------------------------------------------------------------------------------------------
# How many proxies, one behind the other, add the address they were called from to X-Forwarded-For.
E2C_TRUSTED_PROXIES = env.whole_number("E2C_TRUSTED_PROXIES", 0, maximum=10)
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("E2C_SSL_REDIRECT", default=True)
    # A redirect loses a provider's POST, and a health check of the machine itself speaks plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^anymail/", r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.whole_number("E2C_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    if env.flag("E2C_TRUST_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Mail providers ------------------------------------------------------------------------------------------------------
ANYMAIL: dict[str, Any] = {
    "WEBHOOK_SECRET": E2C_WEBHOOK_SECRET,
    "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": True,
} | providers.anymail_settings(E2C_PROVIDER_CREDENTIALS)

# Language and time ---------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("fr", _("French")), ("es", _("Spanish"))]
USE_I18N = True
TIME_ZONE = env.time_zone("E2C_TIME_ZONE", "UTC")
USE_TZ = True

# Logs: one line each, never mail content -----------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "e2c_project.log_lines.JsonLine"},
    },
    "filters": {"links": {"()": "e2c_project.log_filter.HideSecretLinks"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": env.choice("E2C_LOG_FORMAT", "line", ["line", "json"]),
            "filters": ["links"],
        }
    },
    "loggers": {name: {"level": "INFO"} for name in QUIET_LIBRARIES}
    | {name: {"level": "WARNING"} for name in SILENT_LIBRARIES},
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("E2C_LOG_LEVEL", "WARNING" if IS_DEMO else "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    },
}
# W019 asks for DENY: a mail is shown in a frame of our own case page (SAMEORIGIN), never in one of another site.
SILENCED_SYSTEM_CHECKS = ["security.W019"]
