"""The page as Django REST framework gives it: rows prefetched, rendered by orjson, connections pooled.

DATABASE_URL names the Postgres. Pages are found by a cursor, since counting them would cost more. All models
are of tables that are there.
"""

import os

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

_given = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="measured",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[__name__, "rest_framework"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _given.get("dbname"),
            "USER": _given.get("user"),
            "PASSWORD": _given.get("password", ""),
            "HOST": _given.get("host", ""),
            "PORT": _given.get("port", ""),
            "OPTIONS": {"pool": True},
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["drf_orjson_renderer.renderers.ORJSONRenderer"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402


class _Model(models.Model):
    class Meta:
        abstract = True
        managed = False


class Article(_Model):
    id = models.TextField(primary_key=True)
    url = models.TextField()
    title = models.TextField(null=True)
    publisher = models.TextField(db_column="publisher_id")
    agency = models.TextField(db_column="agency_id", null=True)
    published_on = models.DateField(null=True)
    language = models.TextField()

    class Meta(_Model.Meta):
        db_table = "article"


class Exchange(_Model):
    id = models.TextField(primary_key=True)
    kind = models.TextField()
    date = models.DateField()
    date_end = models.DateField(null=True)
    date_precision = models.TextField()
    status = models.TextField()
    summary = models.TextField()
    location_name = models.TextField(null=True)
    agreement = models.TextField(db_column="agreement_id", null=True)
    articles = models.ManyToManyField(Article, through="ExchangeCitation")

    class Meta(_Model.Meta):
        db_table = "exchange"


class ExchangeCitation(_Model):
    pk = models.CompositePrimaryKey("exchange_id", "article_id")
    exchange = models.ForeignKey(Exchange, models.CASCADE)
    article = models.ForeignKey(Article, models.CASCADE)

    class Meta(_Model.Meta):
        db_table = "exchange_citation"


class ExchangeParty(_Model):
    pk = models.CompositePrimaryKey("exchange_id", "actor_id")
    exchange = models.ForeignKey(Exchange, models.CASCADE, related_name="parties")
    actor_id = models.TextField()

    class Meta(_Model.Meta):
        db_table = "exchange_party"


class Claim(_Model):
    id = models.TextField(primary_key=True)
    exchange = models.ForeignKey(Exchange, models.CASCADE, related_name="claims")
    released_by = models.TextField()
    received_by = models.TextField()
    category = models.TextField()
    count = models.IntegerField()
    qualifier = models.TextField()
    claimant = models.TextField(null=True)
    covers = models.TextField()
    rank = models.TextField()
    note = models.TextField(null=True)

    class Meta(_Model.Meta):
        db_table = "claim"


class ClaimCitation(_Model):
    pk = models.CompositePrimaryKey("claim_id", "article_id")
    claim = models.ForeignKey(Claim, models.CASCADE, related_name="citations")
    article_id = models.TextField()

    class Meta(_Model.Meta):
        db_table = "claim_citation"


class Mediation(_Model):
    id = models.TextField(primary_key=True)
    exchange = models.ForeignKey(Exchange, models.CASCADE, related_name="mediations", null=True)
    actor = models.TextField(db_column="actor_id")
    role = models.TextField()
    stance = models.TextField()
    claimant = models.TextField(null=True)

    class Meta(_Model.Meta):
        db_table = "mediation"


class MediationCitation(_Model):
    pk = models.CompositePrimaryKey("mediation_id", "article_id")
    mediation = models.ForeignKey(Mediation, models.CASCADE, related_name="citations")
    article_id = models.TextField()

    class Meta(_Model.Meta):
        db_table = "mediation_citation"


class ArticleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Article
        fields = ("id", "url", "title", "publisher", "agency", "published_on", "language")


class ClaimSerializer(serializers.ModelSerializer):
    citations = serializers.SlugRelatedField("article_id", many=True, read_only=True)

    class Meta:
        model = Claim
        exclude = ("exchange",)


class MediationSerializer(serializers.ModelSerializer):
    citations = serializers.SlugRelatedField("article_id", many=True, read_only=True)

    class Meta:
        model = Mediation
        exclude = ("exchange",)


class ExchangeSerializer(serializers.ModelSerializer):
    parties = serializers.SlugRelatedField("actor_id", many=True, read_only=True)
    claims = ClaimSerializer(many=True, read_only=True)
    mediations = MediationSerializer(many=True, read_only=True)
    articles = ArticleSerializer(many=True, read_only=True)

    class Meta:
        model = Exchange
        fields = "__all__"


class Pages(pagination.CursorPagination):
    page_size = 50
    ordering = ("-date", "-id")


class ExchangeList(generics.ListAPIView):
    serializer_class = ExchangeSerializer
    pagination_class = Pages

    def get_queryset(self):
        brokered = Mediation.objects.filter(
            exchange=models.OuterRef("pk"), actor=self.request.query_params["mediator"], stance="asserts"
        ).exclude(role="transit")
        return Exchange.objects.filter(models.Exists(brokered)).prefetch_related(
            "parties", "claims__citations", "mediations__citations", "articles"
        )


urlpatterns = [path("exchanges", ExchangeList.as_view())]
application = get_wsgi_application()
