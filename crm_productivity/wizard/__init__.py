from . import crm_productivity_span
from . import base_partner_merge
from . import crm_productivity_when
from . import crm_productivity_fairness, crm_productivity_funnel
from . import crm_productivity_paper
from . import crm_productivity_board
from . import crm_productivity_recompute
