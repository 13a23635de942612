from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views import View
from organizations.views.mixins import OrganizationMixin

from .models import Organization, OrganizationInvitation

RANK = {"viewer": 0, "operator": 1, "admin": 2, "owner": 3}


class RoleRequiredMixin(LoginRequiredMixin, OrganizationMixin):
    """django-organizations' AdminRequiredMixin with four roles instead of a flag: the same two queries."""

    org_model = Organization
    min_role = "admin"

    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        self.kwargs = kwargs
        self.membership = self.organization.organization_users.filter(user=request.user).first()
        if self.membership is None or RANK[self.membership.role] < RANK[self.min_role]:
            raise PermissionDenied("role")
        return super().dispatch(request, *args, **kwargs)


class OrgPage(RoleRequiredMixin, View):
    def get(self, request, **kw):
        members = self.organization.organization_users.select_related("user").order_by("pk")[:25]
        return render(
            request,
            "org.html",
            {
                "org_name": self.organization.name,
                "me_email": request.user.email,
                "me_role": self.membership.role,
                "members": members,
            },
        )


class Check(RoleRequiredMixin, View):
    def get(self, request, **kw):
        return HttpResponse(status=204)


class Invite(RoleRequiredMixin, View):
    def post(self, request, **kw):
        inv = OrganizationInvitation.objects.create(
            invitee_identifier=request.POST["email"].lower(),
            invited_by=request.user,
            organization=self.organization,
            role=request.POST["role"],
        )
        send_mail("Invitation", f"/join/{inv.guid}", None, [inv.invitee_identifier])
        return HttpResponse(status=201)


def hello(request):
    return HttpResponse("hello")


def csrf(request):
    return HttpResponse(get_token(request))
