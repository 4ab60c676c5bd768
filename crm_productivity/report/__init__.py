from . import crm_productivity_printing
